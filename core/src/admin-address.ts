/** Where the admin address is, unless the file says otherwise. */
export const ADMIN_BIND = '127.0.0.1:9901';
