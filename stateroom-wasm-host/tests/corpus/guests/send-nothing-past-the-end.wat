;; Sends zero bytes from outside of its memory.
;;
;; outcome: message: bad_pointer: the guest passed 0 bytes at address 131073
(func (export "stateroom_recv") (param $event i32) (param $length i32)
  (if (i32.eq (i32.load (local.get $event)) (i32.const 3)) (then
    (call $send (i32.const 131073) (i32.const 0)))))
