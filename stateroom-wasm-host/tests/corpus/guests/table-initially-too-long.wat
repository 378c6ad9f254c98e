;; Has a longer initial table than the limit.
;;
;; outcome: refused: minimum element size of 1000000 which exceeds the limit of 20000
(table 1000000 funcref)
