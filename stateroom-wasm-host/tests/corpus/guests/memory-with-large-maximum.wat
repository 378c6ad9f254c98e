;; Says that its memory may become 4 GiB. It does not, and the start is small.
;;
;; outcome: lives: 0 effects
(memory (export "memory") 2 65536)
