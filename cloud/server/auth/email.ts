/** Whether it can be an address at all; whether somebody reads it, only a letter could tell. */
export const isEmail = (text: string): boolean => text.length <= 320 && /^[^\s@\p{C}]+@[^\s@\p{C}]+$/u.test(text)
