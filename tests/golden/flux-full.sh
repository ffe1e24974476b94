#!/bin/bash
# Run without an argument, this submits the jobs. Each of them runs it with its index.
if test $# -gt 0; then
# A setup that fails ends the job: the rows are to run in this environment, or not at all.
set -e
module load gcc
export COUNT=${#list[@]} {x}
exec /opt/python/bin/python3 -P -X utf8 -m genstudy.cli.task '/data/my '"'"'beam'"'"' #1 100%/waves/0007' "$1"
fi
exec flux submit \
    --cc=0-9 \
    '--job-name=my '"'"'beam'"'"' #1 100%.0007' \
    --setattr=user.genstudy=genstudy-3fa94c21d0-7 \
    '--output=/data/my '"'"'beam'"'"' #1 100%/waves/0007/{cc}.out' \
    --setopt=output.mode=append \
    '--cwd=/data/my '"'"'beam'"'"' #1 100%' \
    --signal=USR1@60s \
    --nodes=1 \
    --ntasks=1 \
    --cores-per-task=16 \
    --gpus-per-task=1 \
    --time-limit=129630s \
    --queue=debug \
    '--bank=my bank' \
    --exclusive \
    '--requires=host:a[1-3]' \
    -o \
    cpu-affinity=off \
    /bin/bash '/data/my '"'"'beam'"'"' #1 100%/waves/0007/job.sh' '{cc}'
