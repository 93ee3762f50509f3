// Tells systemd that the service is ready or stopping (sd_notify(3)), without its library.
//
// Thread safety: any thread.
#pragma once

#include <string_view>

namespace sluice::service {

/// "READY=1"; does nothing where NOTIFY_SOCKET is not set.
void notify_manager(std::string_view state);

}  // namespace sluice::service
