=== setup.lsf.sh, no job
#!/bin/bash

set -euo pipefail
:
(exit $?) && IFS= read -r genstudy_mark <<'END_OF_MARK' && : >| "$genstudy_mark"
$(WORKSPACE)/.genstudy_done
END_OF_MARK

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
  '{' \
  '  "width": ''$(WIDTH.json)' \
  '}' \
  > input.json
mycode input.json
(exit $?) && IFS= read -r genstudy_mark <<'END_OF_MARK' && : >| "$genstudy_mark"
$(WORKSPACE)/.genstudy_done
END_OF_MARK

=== post-process.lsf.sh, a job
#!/bin/bash
#BSUB -nnodes 2
#BSUB -q debug
#BSUB -G phys
#BSUB -W 01:30
#BSUB -J post-process
#BSUB -o post-process.%J.out
#BSUB -e post-process.%J.err

#BSUB -alloc_flags smt4
set -e
module load gcc
module load mpi
set +e
set -euo pipefail
ls
(exit $?) && IFS= read -r genstudy_mark <<'END_OF_MARK' && : >| "$genstudy_mark"
$(WORKSPACE)/.genstudy_done
END_OF_MARK

=== gather.lsf.sh, a job
#!/bin/bash
#BSUB -nnodes 2
#BSUB -q debug
#BSUB -G phys
#BSUB -W 01:30
#BSUB -J gather
#BSUB -o gather.%J.out
#BSUB -e gather.%J.err

#BSUB -alloc_flags smt4
set -e
module load gcc
module load mpi
set +e
set -euo pipefail
ls "$(post-process.workspace)" > rows.txt
(exit $?) && IFS= read -r genstudy_mark <<'END_OF_MARK' && : >| "$genstudy_mark"
$(WORKSPACE)/.genstudy_done
END_OF_MARK

=== pack.lsf.sh, no job
#!/bin/bash

set -euo pipefail
tar -czf rows.tar.gz -C "$(simulate.workspace)" .
(exit $?) && IFS= read -r genstudy_mark <<'END_OF_MARK' && : >| "$genstudy_mark"
$(WORKSPACE)/.genstudy_done
END_OF_MARK

