;; Sends bytes that begin in its memory and end outside of it.
;;
;; outcome: message: bad_pointer: the guest passed 8 bytes at address 131070, out of bounds: its memory has 131072 bytes
(func (export "stateroom_recv") (param $event i32) (param $length i32)
  (if (i32.eq (i32.load (local.get $event)) (i32.const 3))
    (then (call $send (i32.const 131070) (i32.const 8)))))
