;; Has a memory that threads could share.
;;
;; outcome: refused: threads must be enabled
(memory (export "memory") 1 2 shared)
