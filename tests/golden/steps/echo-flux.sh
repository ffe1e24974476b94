=== echo-params.flux.sh, a job
#!/bin/bash
#MAESTRO-INFO (flux adapter version) 0.49.0
#MAESTRO-INFO (flux version) 0.49.0
#
#flux: -N 2
#flux: -n 4
#flux: -t 5400.0s
#flux: -q debug
#flux: --bank=phys
#flux: --job-name="echo-params"
#flux: --output=echo-params.{{id}}.out
#flux: --error=echo-params.{{id}}.err

set -e
module load gcc
module load mpi
set +e
set -euo pipefail
printf '%s: %s\n' WIDTH $(WIDTH.quoted)
(exit $?) && IFS= read -r genstudy_mark <<'END_OF_MARK' && : >| "$genstudy_mark"
$(WORKSPACE)/.genstudy_done
END_OF_MARK

