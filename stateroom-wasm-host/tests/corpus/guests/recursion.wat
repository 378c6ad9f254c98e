;; Recurses forever.
;;
;; outcome: message: trap: call stack exhausted
(func $again (call $again) (call $again))
(func (export "stateroom_recv") (param $event i32) (param $length i32)
  (if (i32.eq (i32.load (local.get $event)) (i32.const 3)) (then
    (call $again))))
