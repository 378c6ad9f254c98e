;; Has a longer table than it may from the beginning.
;;
;; outcome: refused: minimum element size of 1000000 which exceeds the limit of 20000
(table 1000000 funcref)
