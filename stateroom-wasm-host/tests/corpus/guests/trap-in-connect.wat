;; Traps in connect.
;;
;; outcome: connect: trap: unreachable
(func (export "stateroom_recv") (param $event i32) (param $length i32)
  (if (i32.eq (i32.load (local.get $event)) (i32.const 1)) (then
    unreachable)))
