;; Sends effects in `_initialize`, to be released with the first event.
(func (export "_initialize") (call $tell (i64.const 1)) (call $tell (i64.const 2)))
(func (export "stateroom_recv") (param $event i32) (param $length i32)
  (call $tell (i64.extend_i32_u (local.get $length))))
