import { useRef, useState, type DragEvent, type ReactNode } from 'react'
import { attachFiles } from '../chat/composer/attach.ts'
import { takeModels } from '../models/take-models.ts'
import { useView } from '../state/view.ts'

const hasFiles = (event: DragEvent) => event.dataTransfer.types.includes('Files')
const isModel = (file: File) => /\.gguf$/i.test(file.name)

/** Files dropped anywhere: a GGUF becomes a model, any other is attached to the draft. */
export function DropZone({ children }: { children: ReactNode }) {
  const [over, setOver] = useState(false)
  const depth = useRef(0)
  const onDrop = (event: DragEvent) => {
    if (!hasFiles(event)) return
    event.preventDefault()
    depth.current = 0
    setOver(false)
    const files = [...event.dataTransfer.files]
    const models = files.filter(isModel)
    if (models.length > 0) void takeModels(models)
    const { chatId, screen } = useView.getState()
    if (chatId && screen === 'chat')
      void attachFiles(
        chatId,
        files.filter(file => !isModel(file)),
      )
  }
  return (
    // Dropping has keyboard twins: "Attach text files" and "Add a model".
    // oxlint-disable-next-line jsx-a11y/no-static-element-interactions
    <div
      className="drop-zone"
      onDragEnter={event => {
        if (!hasFiles(event)) return
        depth.current++
        setOver(true)
      }}
      onDragOver={event => {
        if (hasFiles(event)) event.preventDefault()
      }}
      onDragLeave={event => {
        // Going onto a child leaves its parent: only the last leave counts.
        if (hasFiles(event) && --depth.current <= 0) setOver(false)
      }}
      onDrop={onDrop}
    >
      {children}
      {over && (
        <div className="drop-here" aria-hidden>
          <p>Drop text files to attach them, a GGUF file to add a model</p>
        </div>
      )}
    </div>
  )
}
