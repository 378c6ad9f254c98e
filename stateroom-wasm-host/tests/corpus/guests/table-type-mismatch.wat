;; Calls a function through a table with another type.
;;
;; outcome: message: trap: indirect call type mismatch
(table $table funcref (elem $number))
(func $number (result i64) (i64.const 1))
(type $nothing (func))
(func (export "stateroom_recv") (param $event i32) (param $length i32)
  (if (i32.eq (i32.load (local.get $event)) (i32.const 3)) (then
    (call_indirect $table (type $nothing) (i32.const 0)))))
