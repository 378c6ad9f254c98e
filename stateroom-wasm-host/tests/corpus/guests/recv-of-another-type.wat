;; Exports `stateroom_recv` with another type.
;;
;; outcome: refused: export `stateroom_recv` is
(func (export "stateroom_recv") (param i64))
