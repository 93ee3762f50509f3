// How this appliance reaches others: by the proxy and the certificate authorities of its
// configuration, and in no other way.
//
// Thread safety: free functions.
#pragma once

#include <atomic>
#include <filesystem>

#include "config/base/result.h"
#include "config/schema/config.h"
#include "control/sync/http.h"

namespace sluice::service {

/// Fails where the proxy's login cannot be read; the error does not tell it.
[[nodiscard]] Result<sync::HttpOptions> http_options(const std::optional<schema::Proxy>& proxy,
                                                     const std::filesystem::path& ca_file,
                                                     const std::atomic<bool>& stop);

}  // namespace sluice::service
