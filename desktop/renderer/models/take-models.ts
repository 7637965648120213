import { Failure, isCancelled } from '@fusion/shared/rpc/failure.ts'
import { fusion } from '../state/fusion.ts'
import { setView, useView } from '../state/view.ts'
import { uploadModel } from './upload.ts'

/** Copies dropped or picked model files in, one after the other, with the panel open that shows how far they are. */
export async function takeModels(files: readonly File[]): Promise<void> {
  setView({ panel: 'add-model' })
  for (const file of files) {
    try {
      const { copyId, cancel, done } = await uploadModel(fusion.models, file)
      setView(({ copies }) => ({ copies: { ...copies, [copyId]: { name: file.name, cancel } } }))
      const modelId = await done.finally(() => {
        const { [copyId]: _done, ...copies } = useView.getState().copies
        setView({ copies })
      })
      setView({ added: modelId })
    } catch (error) {
      // A file that was refused stands among the arrivals, with the reason.
      const refused = error instanceof Failure && error.code.startsWith('model-')
      if (!isCancelled(error) && !refused) setView({ failure: Failure.toBody(error) })
    }
  }
}
