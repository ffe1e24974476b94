=== setup.flux.sh, no job
#!/bin/bash
#MAESTRO-INFO (flux adapter version) 0.49.0
#MAESTRO-INFO (flux version) 0.49.0
#
#flux: -t 0s
#flux: -q debug
#flux: --bank=phys
#flux: --job-name="setup"
#flux: --output=setup.{{id}}.out
#flux: --error=setup.{{id}}.err

set -euo pipefail
:
(exit $?) && IFS= read -r genstudy_mark <<'END_OF_MARK' && : >| "$genstudy_mark"
$(WORKSPACE)/.genstudy_done
END_OF_MARK

=== simulate.flux.sh, a job
#!/bin/bash
#MAESTRO-INFO (flux adapter version) 0.49.0
#MAESTRO-INFO (flux version) 0.49.0
#
#flux: -N 2
#flux: -n 4
#flux: -t 5400.0s
#flux: -q debug
#flux: --bank=phys
#flux: --job-name="simulate"
#flux: --output=simulate.{{id}}.out
#flux: --error=simulate.{{id}}.err

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

=== post-process.flux.sh, a job
#!/bin/bash
#MAESTRO-INFO (flux adapter version) 0.49.0
#MAESTRO-INFO (flux version) 0.49.0
#
#flux: -N 2
#flux: -n 4
#flux: -t 5400.0s
#flux: -q debug
#flux: --bank=phys
#flux: --job-name="post-process"
#flux: --output=post-process.{{id}}.out
#flux: --error=post-process.{{id}}.err

set -e
module load gcc
module load mpi
set +e
set -euo pipefail
ls
(exit $?) && IFS= read -r genstudy_mark <<'END_OF_MARK' && : >| "$genstudy_mark"
$(WORKSPACE)/.genstudy_done
END_OF_MARK

=== gather.flux.sh, a job
#!/bin/bash
#MAESTRO-INFO (flux adapter version) 0.49.0
#MAESTRO-INFO (flux version) 0.49.0
#
#flux: -N 2
#flux: -n 4
#flux: -t 5400.0s
#flux: -q debug
#flux: --bank=phys
#flux: --job-name="gather"
#flux: --output=gather.{{id}}.out
#flux: --error=gather.{{id}}.err

set -e
module load gcc
module load mpi
set +e
set -euo pipefail
ls "$(post-process.workspace)" > rows.txt
(exit $?) && IFS= read -r genstudy_mark <<'END_OF_MARK' && : >| "$genstudy_mark"
$(WORKSPACE)/.genstudy_done
END_OF_MARK

=== pack.flux.sh, no job
#!/bin/bash
#MAESTRO-INFO (flux adapter version) 0.49.0
#MAESTRO-INFO (flux version) 0.49.0
#
#flux: -t 0s
#flux: -q debug
#flux: --bank=phys
#flux: --job-name="pack"
#flux: --output=pack.{{id}}.out
#flux: --error=pack.{{id}}.err

set -euo pipefail
tar -czf rows.tar.gz -C "$(simulate.workspace)" .
(exit $?) && IFS= read -r genstudy_mark <<'END_OF_MARK' && : >| "$genstudy_mark"
$(WORKSPACE)/.genstudy_done
END_OF_MARK

