=== simulate.lsf.sh, a job
#!/bin/bash
#BSUB -nnodes 2
#BSUB -q debug
#BSUB -G phys
#BSUB -W 01:30
#BSUB -J simulate
#BSUB -o simulate.%J.out
#BSUB -e simulate.%J.err

#BSUB -alloc_flags smt4
set -e
module load gcc
module load mpi
set +e
set -euo pipefail
printf '%s\n' \
  'width = '$(WIDTH.quoted) \
  > model.in
jsrun --nrs 4 -b rs -g 1 -a 1 -r 2 -c 2 mycode model.in
(exit $?) && IFS= read -r genstudy_mark <<'END_OF_MARK' && : >| "$genstudy_mark"
$(WORKSPACE)/.genstudy_done
END_OF_MARK

