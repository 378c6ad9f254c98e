;; Traps in `stateroom_malloc`.
;;
;; outcome: init: trap: unreachable
(func (export "stateroom_malloc") (param $length i32) (result i32)
  unreachable)
