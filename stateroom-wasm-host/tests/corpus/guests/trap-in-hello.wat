;; Traps in `stateroom_hello`.
;;
;; outcome: no room: trap: unreachable
(func (export "stateroom_hello") (param i32 i32) (result i64) unreachable)
