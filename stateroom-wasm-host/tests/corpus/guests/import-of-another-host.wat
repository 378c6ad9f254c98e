;; Imports a function of another host.
;;
;; outcome: refused: imports `connect` from `sockets`, which this host does not provide
(import "sockets" "connect" (func (param i32) (result i32)))
