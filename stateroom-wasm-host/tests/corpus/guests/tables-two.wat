;; Has a second table.
;;
;; outcome: refused: defined tables count of 2 exceeds the per-instance limit of 1
(table 1 funcref)
(table 1 funcref)
