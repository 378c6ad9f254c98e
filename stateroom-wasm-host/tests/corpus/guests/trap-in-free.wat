;; Traps in `stateroom_free`.
;;
;; outcome: long message: trap: unreachable
(func (export "stateroom_free") (param i32 i32)
  unreachable)
