;; Has more initial memory than the limit.
;;
;; outcome: refused: needs 6553600 bytes of initial memory; the limit is 4194304
(memory (export "memory") 100)
