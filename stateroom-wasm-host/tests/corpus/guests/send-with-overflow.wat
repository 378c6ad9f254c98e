;; Sends bytes whose address and length overflow together.
;;
;; outcome: message: bad_pointer: the guest passed 4294967280 bytes at address 4294967280
(func (export "stateroom_recv") (param $event i32) (param $length i32)
  (if (i32.eq (i32.load (local.get $event)) (i32.const 3)) (then
    (call $send (i32.const -16) (i32.const -16)))))
