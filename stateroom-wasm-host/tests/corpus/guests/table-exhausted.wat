;; Grows its table up to the limit, and traps.
;;
;; outcome: message: memory: an event needed more than a guest's limit of 20000 table elements
(table $table 1 funcref)
(func (export "stateroom_recv") (param $event i32) (param $length i32)
  (if (i32.eq (i32.load (local.get $event)) (i32.const 3)) (then
    (loop $again (br_if $again (i32.ne (table.grow $table (ref.null func) (i32.const 1000)) (i32.const -1))))
    unreachable)))
