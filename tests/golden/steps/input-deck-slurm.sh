=== simulate.slurm.sh, a job
#!/bin/bash
#SBATCH --nodes=2
#SBATCH --partition=debug
#SBATCH --account=phys
#SBATCH --time=01:30:00
#SBATCH --job-name="simulate"
#SBATCH --output="simulate.out"
#SBATCH --error="simulate.err"
#SBATCH --comment "Write this row's input deck and run the code on it"
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
printf '%s\n' \
  'width = '$(WIDTH.quoted) \
  > model.in
srun -n 4 -N 2 -c 2 mycode model.in
(exit $?) && IFS= read -r genstudy_mark <<'END_OF_MARK' && : >| "$genstudy_mark"
$(WORKSPACE)/.genstudy_done
END_OF_MARK

