;; Writes a line of output, and half of one, in each event.
(data (i32.const 1024) "a line\na half")
(data (i32.const 128) "\00\04\00\00" "\0d\00\00\00")
(func (export "stateroom_recv") (param $event i32) (param $length i32)
  (call $tell (i64.extend_i32_u (call $write (i32.add (i32.const 1) (i32.and (local.get $length) (i32.const 1)))
    (i32.const 128) (i32.const 1) (i32.const 600))))
  (call $tell (i64.load32_u (i32.const 600))))
