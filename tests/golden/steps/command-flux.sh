=== run.flux.sh, a job
#!/bin/bash
#MAESTRO-INFO (flux adapter version) 0.49.0
#MAESTRO-INFO (flux version) 0.49.0
#
#flux: -N 2
#flux: -n 4
#flux: -t 5400.0s
#flux: -q debug
#flux: --bank=phys
#flux: --job-name="run"
#flux: --output=run.{{id}}.out
#flux: --error=run.{{id}}.err

set -e
module load gcc
module load mpi
set +e
set -euo pipefail
flux run -N 2 -n 4 -c 2 mycode --width=$(WIDTH.quoted)
(exit $?) && IFS= read -r genstudy_mark <<'END_OF_MARK' && : >| "$genstudy_mark"
$(WORKSPACE)/.genstudy_done
END_OF_MARK

