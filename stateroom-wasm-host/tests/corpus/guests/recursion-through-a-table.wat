;; Recurses forever through a table.
;;
;; outcome: message: trap: call stack exhausted
(table $table funcref (elem $again))
(type $nothing (func))
(func $again (call_indirect $table (type $nothing) (i32.const 0)) (call_indirect $table (type $nothing) (i32.const 0)))
(func (export "stateroom_recv") (param $event i32) (param $length i32)
  (if (i32.eq (i32.load (local.get $event)) (i32.const 3)) (then
    (call $again))))
