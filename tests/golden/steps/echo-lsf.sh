=== echo-params.lsf.sh, a job
#!/bin/bash
#BSUB -nnodes 2
#BSUB -q debug
#BSUB -G phys
#BSUB -W 01:30
#BSUB -J echo-params
#BSUB -o echo-params.%J.out
#BSUB -e echo-params.%J.err

#BSUB -alloc_flags smt4
set -e
module load gcc
module load mpi
set +e
set -euo pipefail
printf '%s: %s\n' WIDTH $(WIDTH.quoted)
(exit $?) && IFS= read -r genstudy_mark <<'END_OF_MARK' && : >| "$genstudy_mark"
$(WORKSPACE)/.genstudy_done
END_OF_MARK

