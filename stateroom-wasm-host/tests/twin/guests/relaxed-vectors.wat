;; Uses the vector instructions whose results depend on the processor.
(global $sum (mut v128) (v128.const f32x4 1 2 3 4))
(func (export "stateroom_recv") (param $event i32) (param $length i32) (local $it v128)
  (local.set $it (v128.load (local.get $event)))
  (global.set $sum (f32x4.relaxed_madd (global.get $sum) (f32x4.splat (f32.const 1.0000001)) (local.get $it)))
  (call $tell (i64x2.extract_lane 0 (global.get $sum)))
  (call $tell (i64x2.extract_lane 1 (i8x16.relaxed_swizzle (local.get $it) (local.get $it))))
  (call $tell (i64x2.extract_lane 0 (i32x4.relaxed_trunc_f32x4_s (local.get $it))))
  (call $tell (i64x2.extract_lane 0 (f32x4.relaxed_min (local.get $it) (global.get $sum)))))
