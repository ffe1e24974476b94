#!/bin/bash
#SBATCH --job-name="my \"beam\" #1 100%.0007"
#SBATCH --comment=genstudy-3fa94c21d0-7
#SBATCH --array=0-9%3
#SBATCH --output="/data/my \"beam\" #1 100%%/waves/0007/%a.out"
#SBATCH --open-mode=append
#SBATCH --chdir="/data/my \"beam\" #1 100%"
#SBATCH --requeue
#SBATCH --signal=B:USR1@60
#SBATCH --nodes=2
#SBATCH --ntasks=4
#SBATCH --cpus-per-task=4
#SBATCH --gpus=1
#SBATCH --time=1-12:00:30
#SBATCH --partition=debug
#SBATCH --account="my bank"
#SBATCH --mem=4G
#SBATCH --reservation=rain
#SBATCH --qos=high
#SBATCH --exclusive
#SBATCH --constraint=haswell
#SBATCH -x n1  # broken

# A setup that fails ends the job: the rows are to run in this environment, or not at all.
set -e
module load gcc
export COUNT=${#list[@]} {x}
exec /opt/python/bin/python3 -P -X utf8 -m genstudy.cli.task '/data/my "beam" #1 100%/waves/0007' "$SLURM_ARRAY_TASK_ID"
