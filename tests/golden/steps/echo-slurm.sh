=== echo-params.slurm.sh, a job
#!/bin/bash
#SBATCH --nodes=2
#SBATCH --partition=debug
#SBATCH --account=phys
#SBATCH --time=01:30:00
#SBATCH --job-name="echo-params"
#SBATCH --output="echo-params.out"
#SBATCH --error="echo-params.err"
#SBATCH --comment "Print the parameters and their values"
#SBATCH --gres=gpu:1
#SBATCH --ntasks=4
#SBATCH --exclusive
#SBATCH --qos=low

#SBATCH --cpus-per-task=2
#SBATCH --mem=4G
set -e
module load gcc
module load mpi
set +e
set -euo pipefail
printf '%s: %s\n' WIDTH $(WIDTH.quoted)
(exit $?) && IFS= read -r genstudy_mark <<'END_OF_MARK' && : >| "$genstudy_mark"
$(WORKSPACE)/.genstudy_done
END_OF_MARK

