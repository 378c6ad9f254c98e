;; Imports its memory.
;;
;; outcome: refused: imports `memory` from `env`, which this host does not provide
(import "env" "memory" (memory 2))
(export "memory" (memory 0))
