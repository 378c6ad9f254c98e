;; Has a shared memory.
;;
;; outcome: refused: threads must be enabled
(memory (export "memory") 1 2 shared)
