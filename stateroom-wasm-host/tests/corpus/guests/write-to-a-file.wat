;; Writes to a file that it has not opened.
;;
;; outcome: lives: 0 effects
(data (i32.const 256) "\08\01\00\00" "\08\00\00\00" "too much")
(func (export "stateroom_recv") (param $event i32) (param $length i32)
  (if (i32.eq (i32.load (local.get $event)) (i32.const 3)) (then
    (if (i32.eqz (call $write (i32.const 7) (i32.const 256) (i32.const 1) (i32.const 512))) (then unreachable)))))
