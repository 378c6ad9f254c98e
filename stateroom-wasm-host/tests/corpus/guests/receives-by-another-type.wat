;; Takes events by another type.
;;
;; outcome: refused: exports `stateroom_recv` as
(func (export "stateroom_recv") (param i64))
