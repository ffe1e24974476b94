#!/bin/bash
# Run without an argument, this submits the jobs. Each of them runs it with its index.
if test $# -gt 0; then
exec /opt/python/bin/python3 -P -X utf8 -m genstudy.cli.task /data/beam/waves/0007 "$1"
fi
exec flux submit \
    --cc=0-9 \
    --job-name=beam.0007 \
    --setattr=user.genstudy=genstudy-3fa94c21d0-7 \
    '--output=/data/beam/waves/0007/{cc}.out' \
    --setopt=output.mode=append \
    --cwd=/data/beam \
    --signal=USR1@60s \
    --ntasks=1 \
    --cores-per-task=4 \
    /bin/bash /data/beam/waves/0007/job.sh '{cc}'
