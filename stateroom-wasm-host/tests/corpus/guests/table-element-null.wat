;; Calls an empty element of a table.
;;
;; outcome: message: trap: uninitialized element
(table $table 4 funcref)
(type $nothing (func))
(func (export "stateroom_recv") (param $event i32) (param $length i32)
  (if (i32.eq (i32.load (local.get $event)) (i32.const 3)) (then
    (call_indirect $table (type $nothing) (i32.const 2)))))
