// Finds the server names that a DTLS ClientHello asks for, in one UDP datagram or over several.
//
// RFC 6347 sections 4.1 (record) and 4.2.2 (handshake header), RFC 9147 sections 4 and 5.2. Only
// records of epoch 0, which are not encrypted, are read.
//
// Thread safety: plain values over the caller's bytes. Nothing allocates or reads past the span.
#pragma once

#include <cstdint>
#include <span>

#include "dataplane/flow/assembly.h"
#include "dataplane/inspect/outcome.h"
#include "dataplane/inspect/tls/client_hello.h"

namespace sluice::inspect::tls {

enum class DtlsDefect : std::uint8_t {
  none,
  not_dtls,          // the datagram does not start with a handshake record of epoch 0
  cut_record,        // a record goes past the datagram
  fragment,          // a fragment goes past its record or its message
  not_client_hello,  // a handshake, but of another message
  message_too_long,  // more than the assembly holds
  client_hello,      // put together, it is none; `hello.defect` says how
};

struct DtlsHello {
  DtlsDefect defect = DtlsDefect::none;
  ClientHello hello;  // the names point into the assembly
};

/// Whether a datagram that starts so holds a DTLS ClientHello, whole or in part.
[[nodiscard]] bool may_be_dtls(std::span<const std::uint8_t> datagram);

/// Puts the datagram's fragments into `assembly`, and reads what is there from the start. A caller
/// that keeps the assembly for the client's next datagram gets a ClientHello that is cut over
/// datagrams; one that clears it before each call, one that is whole in this datagram. Fragments of
/// another ClientHello, such as the second one with a cookie, or with other octets than are there
/// already, start the assembly anew.
[[nodiscard]] Outcome parse_dtls(std::span<const std::uint8_t> datagram, flow::Assembly& assembly,
                                 DtlsHello& out);

}  // namespace sluice::inspect::tls
