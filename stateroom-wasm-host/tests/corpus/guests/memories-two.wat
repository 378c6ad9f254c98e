;; Has a second memory.
;;
;; outcome: refused: multiple memories
(memory $second 1)
