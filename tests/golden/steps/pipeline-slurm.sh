=== setup.slurm.sh, no job
#!/bin/bash

set -euo pipefail
:
(exit $?) && IFS= read -r genstudy_mark <<'END_OF_MARK' && : >| "$genstudy_mark"
$(WORKSPACE)/.genstudy_done
END_OF_MARK

=== simulate.slurm.sh, a job
#!/bin/bash
#SBATCH --nodes=2
#SBATCH --partition=debug
#SBATCH --account=phys
#SBATCH --time=01:30:00
#SBATCH --job-name="simulate"
#SBATCH --output="simulate.out"
#SBATCH --error="simulate.err"
#SBATCH --comment "Write this row's parameters to input.json and run the simulation"
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
  '{' \
  '  "width": ''$(WIDTH.json)' \
  '}' \
  > input.json
mycode input.json
(exit $?) && IFS= read -r genstudy_mark <<'END_OF_MARK' && : >| "$genstudy_mark"
$(WORKSPACE)/.genstudy_done
END_OF_MARK

=== post-process.slurm.sh, a job
#!/bin/bash
#SBATCH --nodes=2
#SBATCH --partition=debug
#SBATCH --account=phys
#SBATCH --time=01:30:00
#SBATCH --job-name="post-process"
#SBATCH --output="post-process.out"
#SBATCH --error="post-process.err"
#SBATCH --comment "Take the results of this row"
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
ls
(exit $?) && IFS= read -r genstudy_mark <<'END_OF_MARK' && : >| "$genstudy_mark"
$(WORKSPACE)/.genstudy_done
END_OF_MARK

=== gather.slurm.sh, a job
#!/bin/bash
#SBATCH --nodes=2
#SBATCH --partition=debug
#SBATCH --account=phys
#SBATCH --time=01:30:00
#SBATCH --job-name="gather"
#SBATCH --output="gather.out"
#SBATCH --error="gather.err"
#SBATCH --comment "Once all rows are done, put their results together"
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
ls "$(post-process.workspace)" > rows.txt
(exit $?) && IFS= read -r genstudy_mark <<'END_OF_MARK' && : >| "$genstudy_mark"
$(WORKSPACE)/.genstudy_done
END_OF_MARK

=== pack.slurm.sh, no job
#!/bin/bash

set -euo pipefail
tar -czf rows.tar.gz -C "$(simulate.workspace)" .
(exit $?) && IFS= read -r genstudy_mark <<'END_OF_MARK' && : >| "$genstudy_mark"
$(WORKSPACE)/.genstudy_done
END_OF_MARK

