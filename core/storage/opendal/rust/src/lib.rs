//! Object storage for the C++ core: OpenDAL's services, completed by what they leave out. The C interface is ../../opendal.h.
mod abi;
mod call;
mod check;
mod list;
mod options;
mod sign;
mod store;
mod text;
mod transport;
mod upload;
