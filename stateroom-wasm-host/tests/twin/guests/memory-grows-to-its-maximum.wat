;; Grows its memory up to the module's own maximum, and tells that it was refused.
(memory (export "memory") 2 4)
(func (export "stateroom_recv") (param $event i32) (param $length i32)
  (call $tell (i64.extend_i32_s (memory.grow (i32.const 1)))))
