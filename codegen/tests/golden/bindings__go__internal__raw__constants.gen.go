// Code generated from spec/abi, spec/events.yaml and spec/operations by codegen. DO NOT EDIT.

package raw

// ABI is checked when an application is opened (SPK_ABI).
const ABI = 3

// Version of the core that this was generated for.
const Version = "1.2.3"

// Flags.
const (
	// Not used.
	FNew = 1
)

// Methods.
const (
	// SPK_METHOD_GET.
	MethodGet = 1
)

// Phases.
const (
	// SPK_HOOK_FIRST.
	HookFirst = 0
)

// Reasons.
const (
	// SPK_CANCEL_BORED.
	CancelBored = 1
)

// Bodies.
const (
	// SPK_BODY_RAW.
	BodyRaw = 0
)

// Errors.
const (
	// SPK_E_OK.
	EOk = 0
	// SPK_E_CONFIG.
	EConfig = 2
)

// Events: core to host (SPK_EV_*).
const (
	// Somebody wants one, now.
	EvAsked = 3
)

// Commands: host to core (SPK_CMD_*).
const (
	// It is gone.
	CmdSold = 2
)

// Operations: Arg of CmdCall (SPK_OP_*).
const (
	// shop.buy
	OpShopBuy = 40
	// shop.read
	OpShopRead = 41
	// shop.write
	OpShopWrite = 42
)
