// Protects and opens Initial packets for tests, by OpenSSL's own HKDF and apart from the code under
// test: RFC 9001 section 5, RFC 9369 section 3.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <string>
#include <string_view>
#include <vector>

#include "tests/unit/dataplane/builder.h"

namespace sluice::test {

inline constexpr std::uint32_t kV1 = 0x00000001;
inline constexpr std::uint32_t kV2 = 0x6b3343cf;
inline constexpr std::uint32_t kDraft29 = 0xff00001d;
inline constexpr std::uint32_t kDraft27 = 0xff00001b;
inline constexpr std::uint32_t kV2Draft = 0x709a50c4;
inline constexpr std::uint32_t kQ050 = 0x51303530;
inline constexpr std::uint32_t kT050 = 0x54303530;
inline constexpr std::uint32_t kT051 = 0x54303531;

inline Bytes from_hex(std::string_view hex) {
  Bytes out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    out.push_back(static_cast<std::uint8_t>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  }
  return out;
}

template <typename Range>
std::string to_hex(const Range& octets) {
  std::string out;
  for (const std::uint8_t octet : octets) {
    out += "0123456789abcdef"[octet >> 4];
    out += "0123456789abcdef"[octet & 15];
  }
  return out;
}

/// `octets`: 1, 2, 4 or 8; the shortest that fits, or longer.
inline void put_varint(Bytes& out, std::uint64_t value, std::size_t octets = 0) {
  if (octets == 0) octets = value < 1 << 6 ? 1 : value < 1 << 14 ? 2 : value < 1 << 30 ? 4 : 8;
  const unsigned form = octets == 1 ? 0 : octets == 2 ? 1 : octets == 4 ? 2 : 3;
  for (std::size_t i = octets; i-- > 0;) {
    out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
  }
  out[out.size() - octets] |= static_cast<std::uint8_t>(form << 6);
}

inline void put_little(Bytes& out, std::size_t value, std::size_t octets) {
  for (; octets > 0; --octets, value >>= 8) out.push_back(static_cast<std::uint8_t>(value));
}

/// Google's ClientHello of its own.
inline Bytes chlo(std::string_view name) {
  Bytes out;
  put(out, "CHLO");
  put_little(out, 3, 2);
  put_little(out, 0, 2);
  put(out, std::string_view("PAD\0", 4));
  put_little(out, 5, 4);
  put(out, std::string_view("SNI\0", 4));
  put_little(out, 5 + name.size(), 4);
  put(out, std::string_view("VER\0", 4));
  put_little(out, 9 + name.size(), 4);
  put(out, "-----");
  put(out, name);
  put(out, "Q043");
  return out;
}

inline constexpr std::uint8_t kCryptoFrame = 6;
inline constexpr std::uint8_t kGoogleCryptoFrame = 8;

inline Bytes crypto_frame(std::size_t offset, const Bytes& octets,
                          std::uint8_t type = kCryptoFrame) {
  Bytes out = {type};
  put_varint(out, offset);
  put_varint(out, octets.size());
  put(out, octets);
  return out;
}

/// The piece [from, from + count) of a CRYPTO stream, cut at its end.
inline Bytes crypto_piece(const Bytes& stream, std::size_t from, std::size_t count) {
  from = std::min(from, stream.size());
  count = std::min(count, stream.size() - from);
  const auto at = stream.begin() + static_cast<std::ptrdiff_t>(from);
  return crypto_frame(from, Bytes(at, at + static_cast<std::ptrdiff_t>(count)));
}

inline Bytes joined(std::initializer_list<Bytes> parts) {
  Bytes out;
  for (const Bytes& part : parts) put(out, part);
  return out;
}

/// A bare ClientHello message.
inline Bytes handshake_hello(std::string_view name, std::size_t padding = 0) {
  const Bytes record =
      client_hello(joined({extension(21, Bytes(padding)), server_name({name})}), 1);
  return Bytes(record.begin() + 5, record.end());
}

inline Bytes hkdf(int mode, const Bytes& key, const Bytes& salt_or_info, std::size_t octets) {
  const std::unique_ptr<EVP_KDF, void (*)(EVP_KDF*)> kdf(EVP_KDF_fetch(nullptr, "HKDF", nullptr),
                                                         EVP_KDF_free);
  const std::unique_ptr<EVP_KDF_CTX, void (*)(EVP_KDF_CTX*)> context(EVP_KDF_CTX_new(kdf.get()),
                                                                     EVP_KDF_CTX_free);
  Bytes key_copy = key;
  Bytes other = salt_or_info;
  std::string digest = "SHA256";
  const bool extract = mode == EVP_KDF_HKDF_MODE_EXTRACT_ONLY;
  const OSSL_PARAM params[] = {
      OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest.data(), 0),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, key_copy.data(), key_copy.size()),
      OSSL_PARAM_construct_octet_string(extract ? OSSL_KDF_PARAM_SALT : OSSL_KDF_PARAM_INFO,
                                        other.data(), other.size()),
      OSSL_PARAM_construct_end()};
  Bytes out(octets);
  if (EVP_KDF_derive(context.get(), out.data(), out.size(), params) != 1) out.clear();
  return out;
}

inline Bytes expand_label(const Bytes& secret, std::string_view label, std::size_t octets) {
  Bytes info;
  put16(info, static_cast<unsigned>(octets));
  info.push_back(static_cast<std::uint8_t>(6 + label.size()));
  put(info, "tls13 ");
  put(info, label);
  info.push_back(0);
  return hkdf(EVP_KDF_HKDF_MODE_EXPAND_ONLY, secret, info, octets);
}

inline bool is_v2(std::uint32_t version) { return version == kV2 || version == kV2Draft; }

struct InitialKeys {
  Bytes key, iv, header;
};

inline InitialKeys initial_keys(std::uint32_t version, const Bytes& destination, bool server) {
  const Bytes salt = from_hex(version == kV2        ? "0dede3def700a6db819381be6e269dcbf9bd2ed9"
                              : version == kDraft29 ? "afbfec289993d24c9e9786f19c6111e04390a899"
                              : version == kDraft27 ? "c3eef712c72ebb5a11a7d2432bb46365bef9f502"
                              : version == kV2Draft ? "a707c203a59b47184a1d62ca570406ea7ae3e5d3"
                              : version == kQ050    ? "504574efd066fe2f9d945cfcdbd3a7f0d3b56b45"
                              : version == kT050    ? "7ff579e5acd072915580304c43a2367c60488310"
                              : version == kT051    ? "7a4edef4e7ccee5fa4506c19124fc8ccda6e033d"
                                                    : "38762cf7f55934b34d179ae6a4c80cadccbb7f0a");
  const std::string prefix = is_v2(version) ? "quicv2 " : "quic ";
  const Bytes initial = hkdf(EVP_KDF_HKDF_MODE_EXTRACT_ONLY, destination, salt, 32);
  const Bytes secret = expand_label(initial, server ? "server in" : "client in", 32);
  return {expand_label(secret, prefix + "key", 16), expand_label(secret, prefix + "iv", 12),
          expand_label(secret, prefix + "hp", 16)};
}

using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, void (*)(EVP_CIPHER_CTX*)>;

inline Bytes header_mask(const InitialKeys& keys, const std::uint8_t* sample) {
  const CipherContext context(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  Bytes mask(32);
  int written = 0;
  EVP_EncryptInit(context.get(), EVP_aes_128_ecb(), keys.header.data(), nullptr);
  EVP_EncryptUpdate(context.get(), mask.data(), &written, sample, 16);
  return mask;
}

inline Bytes packet_nonce(const InitialKeys& keys, std::uint64_t number) {
  Bytes nonce = keys.iv;
  for (std::size_t i = 0; i < 8; ++i) {
    nonce[11 - i] ^= static_cast<std::uint8_t>(number >> (8 * i));
  }
  return nonce;
}

struct InitialOptions {
  std::uint32_t version = kV1;
  Bytes destination = from_hex("8394c8f03e515708");
  Bytes source = {};
  Bytes token = {};
  std::uint64_t number = 0;
  std::size_t number_octets = 1;
  Bytes keys_from = {};           // another connection ID than `destination`
  std::size_t payload_least = 4;  // PADDING up to there
  unsigned reserved = 0;
  bool fixed_bit = true;
  bool server = false;
  int type = -1;  // the type bits, if they are not an Initial's
};

inline Bytes protect(Bytes frames, const InitialOptions& o = {}) {
  if (frames.size() < o.payload_least) frames.resize(o.payload_least);
  const bool initial = o.type < 0;
  const unsigned type = initial ? (is_v2(o.version) ? 1 : 0) : static_cast<unsigned>(o.type);
  Bytes packet = {static_cast<std::uint8_t>(0x80U | (o.fixed_bit ? 0x40U : 0U) | type << 4 |
                                            o.reserved << 2 | (o.number_octets - 1))};
  put32(packet, o.version);
  packet.push_back(static_cast<std::uint8_t>(o.destination.size()));
  put(packet, o.destination);
  packet.push_back(static_cast<std::uint8_t>(o.source.size()));
  put(packet, o.source);
  if (initial) {
    put_varint(packet, o.token.size());
    put(packet, o.token);
  }
  put_varint(packet, o.number_octets + frames.size() + 16, 2);
  const std::size_t number_at = packet.size();
  for (std::size_t i = o.number_octets; i-- > 0;) {
    packet.push_back(static_cast<std::uint8_t>(o.number >> (8 * i)));
  }
  const InitialKeys keys =
      initial_keys(o.version, o.keys_from.empty() ? o.destination : o.keys_from, o.server);
  const CipherContext context(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  const Bytes nonce = packet_nonce(keys, o.number);
  const std::size_t payload_at = packet.size();
  packet.resize(payload_at + frames.size() + 16);
  int written = 0;
  EVP_EncryptInit(context.get(), EVP_aes_128_gcm(), keys.key.data(), nonce.data());
  EVP_EncryptUpdate(context.get(), nullptr, &written, packet.data(), static_cast<int>(payload_at));
  EVP_EncryptUpdate(context.get(), &packet[payload_at], &written, frames.data(),
                    static_cast<int>(frames.size()));
  EVP_EncryptFinal(context.get(), &packet[payload_at], &written);
  EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, 16,
                      &packet[payload_at + frames.size()]);
  const Bytes mask = header_mask(keys, &packet[number_at + 4]);
  packet[0] ^= mask[0] & 0x0f;
  for (std::size_t i = 0; i < o.number_octets; ++i) packet[number_at + i] ^= mask[i + 1];
  return packet;
}

struct Opened {
  bool verified = false;
  std::uint8_t first = 0;
  Bytes destination, source, token, frames;
  std::uint64_t number = 0;
  std::size_t length = 0;  // of the packet
};

/// Opens one Initial that has no token and a two-octet Length, as servers send it.
inline Opened unprotect(Bytes packet, std::uint32_t version, const Bytes& keys_from, bool server) {
  Opened out;
  std::size_t at = 5;
  const auto take = [&](std::size_t count) {
    const auto from = packet.begin() + static_cast<std::ptrdiff_t>(at);
    at += count;
    return Bytes(from, from + static_cast<std::ptrdiff_t>(count));
  };
  out.destination = take(packet[at++]);
  out.source = take(packet[at++]);
  out.token = take(packet[at++]);
  const std::size_t length = (std::size_t{packet[at]} << 8 | packet[at + 1]) & 0x3fff;
  at += 2;
  out.length = at + length;
  if (out.length > packet.size()) return out;
  const InitialKeys keys = initial_keys(version, keys_from, server);
  const Bytes mask = header_mask(keys, &packet[at + 4]);
  packet[0] ^= mask[0] & 0x0f;
  out.first = packet[0];
  const std::size_t octets = (packet[0] & 3U) + 1;
  for (std::size_t i = 0; i < octets; ++i) {
    packet[at + i] ^= mask[i + 1];
    out.number = out.number << 8 | packet[at + i];
  }
  at += octets;
  const CipherContext context(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  const Bytes nonce = packet_nonce(keys, out.number);
  out.frames.resize(out.length - at - 16);
  int written = 0;
  EVP_DecryptInit(context.get(), EVP_aes_128_gcm(), keys.key.data(), nonce.data());
  EVP_DecryptUpdate(context.get(), nullptr, &written, packet.data(), static_cast<int>(at));
  EVP_DecryptUpdate(context.get(), out.frames.data(), &written, &packet[at],
                    static_cast<int>(out.frames.size()));
  EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, 16, &packet[out.length - 16]);
  out.verified = EVP_DecryptFinal(context.get(), nullptr, &written) == 1;
  return out;
}

}  // namespace sluice::test
