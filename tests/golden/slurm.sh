#!/bin/bash
#SBATCH --job-name=beam.0007
#SBATCH --comment=genstudy-3fa94c21d0-7
#SBATCH --array=0-9
#SBATCH --output=/data/beam/waves/0007/%a.out
#SBATCH --open-mode=append
#SBATCH --chdir=/data/beam
#SBATCH --requeue
#SBATCH --signal=B:USR1@60
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=4

exec /opt/python/bin/python3 -P -X utf8 -m genstudy.cli.task /data/beam/waves/0007 "$SLURM_ARRAY_TASK_ID"
