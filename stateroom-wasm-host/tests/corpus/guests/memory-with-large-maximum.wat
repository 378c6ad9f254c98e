;; Declares a maximum memory of 4 GiB, with a small initial one.
;;
;; outcome: lives: 0 effects
(memory (export "memory") 2 65536)
