// The API for Stateroom services in C. The service defines the on_ functions, which Stateroom calls one at a time. They
// request effects with the stateroom_ functions. Effects are applied when the on_ function returns.
//
// Each room is an instance of the module with its own memory: static variables hold the state of one room.

#ifndef STATEROOM_H
#define STATEROOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Defined by the service. Texts are UTF-8. Texts and bytes have the given length, without a terminating zero, and are
// valid until the function returns.

void on_init(void);                     // the room starts
void on_connect(uint32_t client);       // a client has joined
void on_disconnect(uint32_t client);    // a client has left
void on_text(uint32_t sender, const char *text, size_t length);
void on_bytes(uint32_t sender, const uint8_t *bytes, size_t length);
void on_timer(void);                    // the timer fires

// Recipients of a message.

struct stateroom_recipient {
    uint32_t kind;
    uint32_t client;
};

struct stateroom_recipient stateroom_everyone(void);
struct stateroom_recipient stateroom_only(uint32_t client);
struct stateroom_recipient stateroom_all_but(uint32_t client);

// Called by the service. If there is not enough memory for an effect, the room ends.

void stateroom_send_text(struct stateroom_recipient to, const char *text, size_t length); // must be UTF-8
void stateroom_send_bytes(struct stateroom_recipient to, const void *bytes, size_t length);

// Sends a text, formatted like printf.
__attribute__((format(printf, 2, 3)))
void stateroom_send_format(struct stateroom_recipient to, const char *format, ...);

// Sets the timer of the room, which fires once; after 0 ms, as soon as possible. Setting it again replaces it.
void stateroom_set_timer(uint32_t milliseconds);

// Closes the connection of a client after the messages sent to it earlier; on_disconnect follows as usual. The code is
// 1000, or 3000 to 4999. The reason must be UTF-8 of at most 123 bytes. Returns false if the host does not support it,
// which is the case for hosts without the handshake.
bool stateroom_close_client(uint32_t client, uint16_t code, const char *reason);

// Ends the room, and closes its clients with 1000 after the messages sent to them earlier; on_disconnect follows for each.
// The next client to join gets a new room. Returns false if the host does not support it.
bool stateroom_end_room(void);

// Returns the room ID, or "" on hosts without the handshake.
const char *stateroom_room_id(void);

// Fails: ends the room, closes its clients with 1011, and logs this reason.
_Noreturn void stateroom_fail(const char *reason);

#endif
