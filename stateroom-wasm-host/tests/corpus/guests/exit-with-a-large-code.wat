;; Exits with a code above the range of exit codes.
;;
;; outcome: message: trap: the guest exited with code 4096
(func (export "stateroom_recv") (param $event i32) (param $length i32)
  (if (i32.eq (i32.load (local.get $event)) (i32.const 3)) (then
    (call $exit (i32.const 4096)))))
